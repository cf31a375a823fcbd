"""Agreement with the golden values: numbers computed with the LEAD authors' released code.

Each kind of file has two functions: `compute_*` runs this package on the inputs, `compare_*` holds
the result against the golden arrays and makes sure that no array was left out. `check_*` does both.
"""
