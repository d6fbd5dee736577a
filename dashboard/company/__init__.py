"""Company accounts, passkeys and second factors, by django-allauth: the extra `sign-in`."""
