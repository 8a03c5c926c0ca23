//! Transactions, batchL2Data and the layouts that cross the N-API boundary.
