# Tries: print without end
# Must: have the middle left out
yes
