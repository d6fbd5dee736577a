"""The formats, in the module where Django looks for them."""

TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = "j M Y, H:i:s T"
SHORT_DATETIME_FORMAT = "d/m/Y H:i:s T"
