"""The pictures of ``shotbridge demo``: plates out of free footage, and the sheet at the end."""
