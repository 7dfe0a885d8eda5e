"""What stands in a text: words, patterns, personal data, secrets; whole texts and streamed ones alike."""
