// Compares answers with the API document: the status, the code and the schema of the body.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { declaredCodes } from '../../tools/contracts/lint-api';
import type { ApiDescription, ApiOperation } from '../../tools/contracts/served-api';
import type { Answer } from './api-stack';

const PROBLEM_TYPE = 'application/problem+json';

/** The document's schemas, compiled on first use. */
export class AnswerSchemas {
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });
  private readonly compiled = new Map<object, ValidateFunction>();

  constructor(private readonly api: ApiDescription) {
    addFormats(this.ajv);
  }

  /** The errors of a body by a schema of the document; undefined when it is valid. */
  fault(schema: object, body: unknown): string | undefined {
    let validate = this.compiled.get(schema);
    if (validate === undefined) {
      validate = this.ajv.compile({ ...schema, components: this.api.components });
      this.compiled.set(schema, validate);
    }
    return validate(body) ? undefined : this.ajv.errorsText(validate.errors);
  }
}

/** The differences between an answer and the declaration of its operation; empty when there are none. */
export function answerFaults(schemas: AnswerSchemas, place: string, operation: ApiOperation, answer: Answer): string[] {
  const { status, body, text } = answer;
  const fault = (what: string): string[] => [`${place}: ${what}: ${text.slice(0, 500)}`];
  if (status >= 500 && status !== 503) return fault(`broke with ${status}`);
  const response = operation.responses[String(status)];
  if (response === undefined) return fault(`does not declare ${status}`);
  const type = String(answer.headers['content-type'] ?? '').split(';')[0]!;
  if (status >= 400) {
    if (type !== PROBLEM_TYPE) return fault(`answers ${status} as ${type}`);
    const codes = declaredCodes(operation, status);
    if (!codes.includes(body?.code)) return fault(`does not declare ${status} ${body?.code}`);
    if (body.status !== status || typeof body.requestId !== 'string') return fault('is not a problem document');
    return [];
  }
  const schema = response.content?.[type]?.schema;
  if (response.content === undefined || type === 'text/event-stream') return [];
  if (schema === undefined) return fault(`does not declare ${type} for ${status}`);
  const errors = schemas.fault(schema, body);
  return errors === undefined ? [] : fault(`has another body than declared (${errors})`);
}
