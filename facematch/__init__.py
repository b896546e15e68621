"""The eye: picture bytes become faces with quality and templates; it knows no web, no database and no index."""

import os

from facematch.heap import settle_heap

# Both before any library is loaded. onnxruntime otherwise keeps a number for this machine and tells its maker what runs
# here; a thread of a library that allocated earlier keeps its heap and lends it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
settle_heap()
