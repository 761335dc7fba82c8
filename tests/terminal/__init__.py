"""What is shown: the text, the streams, the story and the live region."""
