package lmtest_test

import (
	"testing"

	"finest/eval/lm"
	"finest/eval/lm/lmtest"
)

func TestNative(t *testing.T) {
	lmtest.Suite(t, func(*testing.T) lm.Trainer { return &lm.Native{} })
}
