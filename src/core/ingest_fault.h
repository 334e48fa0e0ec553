
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/*
 * Fault points, in test builds only (make FAULTS=1): the environment variable
 * INGEST_FAULT=NAME:N[:FILE] kills the process when it comes to the point of
 * that name for the Nth time.  With FILE it does so only once, whichever
 * process it is: the one that can create the file.
 *
 * INGEST_FAULT=poison:ID kills each process that is about to send that event.
 *
 * INGEST_FAULT=NAME:N kills nobody where NAME is that of a number: it is N.
 */


#ifndef INGEST_FAULT_H
#define INGEST_FAULT_H


#include "ingest_core.h"


#ifdef INGEST_FAULTS

#define INGEST_FAULT(name)       ingest_fault(name)
#define INGEST_FAULT_KEY(key)    ingest_fault_key(key)
#define INGEST_FAULT_NUMBER(name, number)  ingest_fault_number(name, number)

void ingest_fault(const char *name);
void ingest_fault_key(ingest_str_t key);
uint64_t ingest_fault_number(const char *name, uint64_t number);

#else

#define INGEST_FAULT(name)
#define INGEST_FAULT_KEY(key)
#define INGEST_FAULT_NUMBER(name, number)  (number)

#endif


#endif /* INGEST_FAULT_H */
