"""Agreement with arrays computed with other methods' released code.

One module a method. Each has FILES, kind of file -> (compute, compare): `compute` runs this package
on a file's inputs, `compare` holds the result against its arrays and makes sure none was left out.
"""
