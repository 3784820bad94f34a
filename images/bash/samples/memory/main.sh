text=xxxxxxxx
while :; do text=$text$text; done
