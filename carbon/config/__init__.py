"""What hosts.yaml changes in a Carbon server's files, as pure functions from bytes to bytes.

Every patch keeps the bytes that it need not change, changes nothing when run again, leaves
values alone that Secure Vault keeps, and proves its result before it returns it.
"""
