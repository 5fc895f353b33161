# Tries: alter programs that all boxes share
# Must: be refused
for path in /usr/bin/python3 /usr/lib/python3/dist-packages/yaml/__init__.py /bin/bash /etc/passwd /etc/hosts /run/runner.pyc; do
  (echo x >> "$path") 2>/dev/null && echo "GOT $path"
done
touch /usr/bin/new /etc/new 2>/dev/null && echo GOT new
true
