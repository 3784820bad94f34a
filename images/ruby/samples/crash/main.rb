nil.crash
