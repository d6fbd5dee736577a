"""The API as a whole: authentication, token scopes and error responses."""
