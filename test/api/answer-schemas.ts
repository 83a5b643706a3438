// Compares answers with what the API document says about them: the status, the code, the shape of the body.
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

  /** What is wrong with a body by a schema of the document; undefined when nothing is. */
  fault(schema: object, body: unknown): string | undefined {
    let validate = this.compiled.get(schema);
    if (validate === undefined) {
      validate = this.ajv.compile({ ...schema, components: this.api.components });
      this.compiled.set(schema, validate);
    }
    return validate(body) ? undefined : this.ajv.errorsText(validate.errors);
  }
}

/** What an answer does that its operation does not declare; empty when it keeps to the document. */
export function answerFaults(schemas: AnswerSchemas, place: string, operation: ApiOperation, answer: Answer): string[] {
  const { status, body, text } = answer;
  const say = (fault: string): string[] => [`${place}: ${fault}: ${text.slice(0, 500)}`];
  if (status >= 500 && status !== 503) return say(`broke with ${status}`);
  const response = operation.responses[String(status)];
  if (response === undefined) return say(`does not declare ${status}`);
  const type = String(answer.headers['content-type'] ?? '').split(';')[0]!;
  if (status >= 400) {
    if (type !== PROBLEM_TYPE) return say(`answers ${status} as ${type}`);
    const codes = declaredCodes(operation, status);
    if (!codes.includes(body?.code)) return say(`does not declare ${status} ${body?.code}`);
    if (body.status !== status || typeof body.requestId !== 'string') return say('is not a problem document');
    return [];
  }
  const schema = response.content?.[type]?.schema;
  if (response.content === undefined || type === 'text/event-stream') return [];
  if (schema === undefined) return say(`does not declare ${type} for ${status}`);
  const fault = schemas.fault(schema, body);
  return fault === undefined ? [] : say(`is not what it promises (${fault})`);
}
