# What starts a flex template: the worker's image with Dataflow's launcher, which calls launch.py.
#
#     make launchers IMAGE=us-docker.pkg.dev/my-project/reviews/worker:1
ARG WORKER_IMAGE
FROM gcr.io/dataflow-templates-base/python311-template-launcher-base:latest AS launcher

FROM ${WORKER_IMAGE}
COPY --from=launcher /opt/google/dataflow/python_template_launcher /opt/google/dataflow/python_template_launcher
# Of the program review-scorer: score or preprocess.
ARG COMMAND
ARG WORKER_IMAGE
ENV REVIEW_SCORER_COMMAND=${COMMAND} REVIEW_SCORER_IMAGE=${WORKER_IMAGE}
ENV FLEX_TEMPLATE_PYTHON_PY_FILE=/opt/review-scorer/launch.py
ENTRYPOINT ["/opt/google/dataflow/python_template_launcher"]
