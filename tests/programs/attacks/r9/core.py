import ctypes
import resource
import sys

soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
try:
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    raised = 1
except (ValueError, OSError):
    raised = 0
sys.stderr.write(f"raised {raised}, soft {soft}, hard {hard}")
sys.stderr.flush()
ctypes.string_at(8)
