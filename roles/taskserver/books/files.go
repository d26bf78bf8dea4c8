package books

import (
	"strconv"

	"finest/internal/contract"
)

// AppendFiles appends the text that pins the files of a task: a line for each,
// its path, a tab and its size, 0 if that is not known.
func AppendFiles(b []byte, files []contract.InputFile) []byte {
	for _, f := range files {
		b = append(b, f.Path...)
		b = append(b, '\t')
		b = strconv.AppendInt(b, f.Bytes, 10)
		b = append(b, '\n')
	}
	return b
}
