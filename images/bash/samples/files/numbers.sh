six=6

seven() { echo 7; }
