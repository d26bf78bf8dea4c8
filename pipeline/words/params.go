package words

import "finest/pipeline"

// FromParams returns the splitter that the parameter words of a stage names:
// nltk, spacy or unicode.
func FromParams(p *pipeline.Params) pipeline.Splitter {
	switch p.Choice("words", NLTK().Name(), SpaCy().Name(), Unicode().Name()) {
	case SpaCy().Name():
		return SpaCy()
	case Unicode().Name():
		return Unicode()
	}
	return NLTK()
}
