# Tries: leave files that nobody may read
# Must: have them read all the same
chmod 000 a.txt
mkdir closed && echo x > closed/file && chmod 000 closed
