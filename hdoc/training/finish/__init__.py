"""The end of a training: calibrated, evaluated, exported, drawn and logged."""
