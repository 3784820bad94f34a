echo fine
echo ) # error here
