"""Runs a management command that imports a file."""

from io import StringIO

from django.core.management import CommandError, call_command


def import_file(command, file, content, *arguments):
    """The output of the command. A refusal raises CommandError with all output, and must say that nothing changed."""
    file.write_bytes(content)
    out = StringIO()
    try:
        call_command(command, str(file), *arguments, stdout=out, stderr=out)
    except CommandError as refusal:
        assert refusal.returncode == 1
        assert "Nothing was changed" in str(refusal)
        raise CommandError(out.getvalue() + str(refusal)) from None
    return out.getvalue()
