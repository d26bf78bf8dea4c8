// Package bpe turns text into tokens and back by byte-level byte-pair encoding
// (Sennrich et al., arXiv 1508.07909; over bytes as in GPT-2).
//
// Tokens 0 to 255 are the bytes, 256 ends a document, and those from 257 on are
// merges of two earlier tokens in the order in which they were learnt. Any bytes
// can be encoded, valid UTF-8 or not, and decoding gives back the same bytes.
//
// Before merging, text is cut into pieces; no token reaches over the end of one.
// Characters are letters (with marks), numbers, white space, or others, by their
// category in Unicode 15.0; a byte that is no UTF-8 is an other. A piece is a run
// of one kind, or of one and the same white-space character, with three rules
// more:
//
//   - The space before a letter, number or other character begins its piece.
//   - An apostrophe (' or ’) between two letters begins the piece of the second.
//   - A piece ends before it is longer than 32 bytes.
//
// So the tokens of a text are those of its parts wherever it is cut before a
// space that follows no other space, and encoding takes time linear in the text.
//
// The vocabularies of all sizes come from one list of merges, of which the
// smaller ones take the first; data/README.md says what it was learnt from.
package bpe
