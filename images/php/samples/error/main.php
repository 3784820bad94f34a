<?php
$fine = 1;
echo $fine +; // error here
