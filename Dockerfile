# The service with one scorer. `make image` fills build/image with wheels (by requirements/serving.txt) and the release,
# as its signature was verified, and builds this.
# BASE needs Python 3.11 with venv; nothing is compiled in it, and nothing is fetched but libgomp where it is missing.
ARG BASE=docker.io/library/python:3.11-slim

FROM ${BASE} AS installed
COPY build/image/wheels /wheels
COPY requirements/serving.txt /serving.txt
# Installed by a pip that stays behind. Compiled once here: the running image cannot write.
RUN python3 -m venv /opt/pip \
    && python3 -m venv --without-pip /opt/credit-risk \
    && /opt/pip/bin/pip --python /opt/credit-risk/bin/python install --no-index --no-cache-dir --no-compile \
        --find-links /wheels --require-hashes -r /serving.txt \
    && /opt/pip/bin/pip --python /opt/credit-risk/bin/python install --no-index --no-cache-dir --no-compile \
        --no-deps /wheels/credit_risk-*.whl \
    && find /opt/credit-risk -type d -name tests -prune -exec rm -rf {} + \
    && /opt/credit-risk/bin/python -m compileall -q -j 0 /opt/credit-risk/lib

FROM ${BASE}
# hadolint ignore=DL3008
RUN if ! ls /usr/lib/*/libgomp.so.1 >/dev/null 2>&1; then \
        apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*; \
    fi \
    && rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip \
        /usr/lib/python3*/ensurepip /usr/share/python-wheels \
    && useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin credit-risk \
    && install -d -o 10001 -g credit-risk -m 0700 /var/lib/credit-risk
COPY --from=installed /opt/credit-risk /opt/credit-risk
WORKDIR /srv/credit-risk
COPY configs/deploy/container.yaml configs/deploy/container.yaml
# part: roles
COPY configs/policies/roles.cedar configs/policies/roles.cedar
# end of part
# Scorer, gate record and signatures, and the registry's statement of what may be live where there is one.
COPY build/image/release/ ./
COPY build/image/signing.pub configs/deploy/signing.pub
# What may be written: /tmp (a tmpfs) and the volume with the ledger and the keys.
ENV PATH=/opt/credit-risk/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    BENTOML_HOME=/tmp/bentoml \
    BENTOML_DO_NOT_TRACK=true
USER 10001
VOLUME /var/lib/credit-risk
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:3000/health', timeout=2)"]
ENTRYPOINT ["credit-risk"]
CMD ["serve", "--host", "0.0.0.0", "--environment", "configs/deploy/container.yaml"]
