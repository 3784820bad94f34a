<?php
const SIX = 6;

function seven(): int
{
    return 7;
}
