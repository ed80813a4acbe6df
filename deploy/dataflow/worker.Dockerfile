# Workers on Dataflow, Flink and Spark: Beam's own image with the project, what it needs, and all of it compiled.
#
#     make image IMAGE=us-docker.pkg.dev/my-project/reviews/worker:1
FROM apache/beam_python3.11_sdk:2.77.0 AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .

FROM apache/beam_python3.11_sdk:2.77.0
COPY --from=build /wheels /opt/review-scorer/wheels
COPY requirements.lock deploy/dataflow/warm_up.py deploy/dataflow/launch.py /opt/review-scorer/
RUN pip install --no-cache-dir --constraint /opt/review-scorer/requirements.lock \
      "$(ls /opt/review-scorer/wheels/*.whl)[aws]" && pip check
# Without it, Beam makes an environment for each worker process before that starts.
ENV RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
# Compiled code is found again by processors of the same name alone, so they are called what all of them can run. One
# without these instructions (AVX2) ends a worker with SIGILL.
ARG CPU=x86-64-v3
ENV NUMBA_CACHE_DIR=/opt/review-scorer/compiled NUMBA_CPU_NAME=${CPU} NUMBA_CPU_FEATURES=
RUN python /opt/review-scorer/warm_up.py
