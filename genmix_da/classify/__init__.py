"""General classification: does GenMix beat the augmentation used now, and at what price?"""
