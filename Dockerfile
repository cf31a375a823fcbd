# GenMix-DA in a container; written, and not built yet.
#
#   docker build -t genmix-da .                                     # CUDA, run with --gpus all
#   docker build -t genmix-da --build-arg TORCH_INDEX=ADDRESS .     # CPU: torch's index of CPU wheels
#   docker run --rm -v "$PWD/data:/data" -v "$PWD/runs:/work/runs" genmix-da \
#     adapt --src Ar --tgt Cl --data /data
#
# Without TORCH_INDEX torch comes as pip finds it, which on Linux brings CUDA.
FROM python:3.11-slim

ARG TORCH_INDEX=
ARG EXTRAS=models,features,diffusion,export,serve,datasets

ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 GENMIX_DA_CACHE=/cache

RUN pip install torch torchvision ${TORCH_INDEX:+--index-url "$TORCH_INDEX"}
COPY pyproject.toml README.md LICENSE /source/
COPY genmix_da /source/genmix_da
COPY lead /source/lead
COPY office_home /source/office_home
COPY prompts /source/prompts
RUN pip install "/source[${EXTRAS}]" && rm -r /source

RUN useradd --create-home user && mkdir -p /work/runs /cache && chown -R user /work /cache
USER user
WORKDIR /work
VOLUME ["/cache"]
EXPOSE 8000
ENTRYPOINT ["genmix-da"]
CMD ["--help"]
