<?php
// PHP Parse error: in a comment in main.php on line 99
function f(int $é: int {
    return "Parse error: in a string in main.php on line 98";
}
