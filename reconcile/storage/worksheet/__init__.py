"""The worksheet: judged lines laid out in a scratch file, so that pages can count."""
