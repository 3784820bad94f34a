<?php
echo array_sum(array_map("intval", preg_split('/\s+/', stream_get_contents(STDIN), -1, PREG_SPLIT_NO_EMPTY))), "\n";
