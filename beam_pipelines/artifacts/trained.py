"""The trainer's output folder, beside the exported versions (`exports.VERSIONS`).

metrics.json    errors by split, settings and history; written last, so a folder that has it holds a finished run
checkpoints/    state.json and the weights that an interrupted run goes on from
"""

METRICS = "metrics.json"
REPORT = "report.html"
MODEL_SUMMARY = "model.txt"
TUNING = "tuning.csv"
PLOTS, LOGS, CHECKPOINTS = "plots", "logs", "checkpoints"
# Within CHECKPOINTS; it names the weights that belong together.
STATE = "state.json"
# What the trainer may write beside versions, as patterns; with --overwrite it deletes these files and no others.
OUTPUTS = [METRICS, REPORT, f"{PLOTS}/*.png", MODEL_SUMMARY, TUNING, f"{LOGS}/*", f"{CHECKPOINTS}/*"]
