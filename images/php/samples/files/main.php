<?php
require __DIR__ . "/numbers.php";

echo SIX * seven(), "\n";
