def read_mbox(path, names):
    parse = lambda f: email.message_from_binary_file(f, policy=email.policy.default)
    return [mail(m, names) for m in mailbox.mbox(path, factory=parse)]
