// Package interop drives a devhub with clients that others wrote, so that neither
// the devhub nor our client is shaped after the other: huggingface_hub (hub.py),
// datasets (load_dataset.py) and @huggingface/hub (hub.mjs) push and pull through
// it, and what they push our client pulls. Other readers of Parquet look at our
// files: pyarrow and DuckDB (parquet.py), and hyparquet (parquet.mjs).
//
// setup.sh installs them; what is not installed is skipped, and the test says so.
package interop
