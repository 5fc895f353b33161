# Tries: find a key in the environment of any process
# Must: find none
(env; cat /proc/*/environ 2>/dev/null | tr '\0' '\n') | grep -v '^MARK=' | grep -E 'sk-|API_KEY|TOKEN' | sed 's/^/GOT /'
