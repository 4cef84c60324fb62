"""The pictures of ``shotbridge demo``: plates from free footage, and the contact sheet."""
