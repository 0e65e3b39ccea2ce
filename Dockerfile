# hdoc's page and API on CPU, as a user without rights:
#   docker build -t hdoc . && docker run --rm -p 8000:8000 hdoc
# With a library of articles:  -v "$PWD/library:/library" … hdoc serve --host 0.0.0.0 --library /library
FROM python:3.11-slim

# The CPU build of torch: a quarter of the size of the one with CUDA.
RUN pip install --no-cache-dir torch --index-url https://download.pytorch.org/whl/cpu

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY configs configs
COPY hdoc hdoc
RUN pip install --no-cache-dir '.[serve]' && rm -rf /src \
    && useradd --create-home hdoc

USER hdoc
WORKDIR /home/hdoc
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["hdoc", "serve", "--host", "0.0.0.0"]
