"""InstructPix2Pix as GenMix needs it: one denoising loop, one concept a file.

`options` and `variants` say what is wanted, `folder` and `loading` find and vet the model, `text`
and `latents` encode, `guidance` combines the branches, `deep_reuse` saves most of a UNet call,
`denoise` is the loop. `genmix_da.augment.editors.instruct_pix2pix` joins them.
"""
