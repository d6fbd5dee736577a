"""The formats, in a module with the name that Django expects."""

TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = "j M Y, H:i:s T"
SHORT_DATETIME_FORMAT = "d/m/Y H:i:s T"
