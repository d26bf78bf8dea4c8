package matmul

const hasAVX2FMA = false
