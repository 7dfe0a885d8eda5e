"""From a `Turn` to the token ids that a Mistral model reads, for tokenizer versions V3, V7, V11, V13.

What it is: mistral-common's encoders for single messages, put together for conversations as they are:
content beside calls, empty messages, several users in a row, a system prompt anywhere. Nothing that
the canonical transcript can hold makes it raise, save what the model can't read at all (images).
What it is not: a validator of conversations; that happened at the edge.

- `layout` says what each version does differently, `arranging` makes its messages of ours;
- `rereading` keeps JSON that mistral-common would read and write again from changing;
- `counting` remembers what a message takes, so that a long conversation is not read at every step;
- `folding` tells earlier turns inside the last one, so that the prompt's beginning stays the same.

docs/transcript.md shows each version's form.
"""

from routing.prompt.renderer import PromptRenderer

__all__ = ["PromptRenderer"]
