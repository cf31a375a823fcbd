"""What comes after the number: a checkpoint as a model that classifies, is scored and handed on.

`loading.load_model` is where it begins. Imports nothing here, because commands are listed without
torch.
"""
