// Package compare judges datasets by the models that they train: it draws the
// same sample of pages from each, keeps held-out text out of it, trains the same
// small models with the same seeds, and says which data made the better ones, by
// how much, and how sure that is.
//
// All choices come from the seed of the comparison. Run i has seed.Sub("run/i"),
// and under it "sample" for the pages, "init" for the weights and "order" for the
// order of the batches; the held-out units are drawn by seed.Sub("panel"). Runs
// that are finished are kept on disk, so that a killed comparison goes on where
// it was, and so that anchors are trained once.
package compare
