def read_eml(folder, names):
    parse = lambda f: email.message_from_bytes(open(f, "rb").read(), policy=email.policy.default)
    return [mail(parse(os.path.join(folder, f)), names) for f in sorted(os.listdir(folder))]
