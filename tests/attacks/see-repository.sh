# Tries: find the repository, its parameters or the verifiers
# Must: find nothing of it
find / -xdev \( -name params.yaml -o -name dvc.yaml -o -name 'store.sqlite' -o -name verifiers -o -name '*.parquet' \) 2>/dev/null | sed 's/^/GOT /'
ls -d "$REPOSITORY" 2>/dev/null && echo GOT repository
