<?php
function greeting(string $to): string
{
    return "Hello, $to!";
}

echo implode(" ", array_map("greeting", ["Ada", "Grace", "Jürgen"])), "\n";
printf("π ≈ %.4f\n", M_PI);
