// A small application for specs: one route per way a request can go.
import { Body, Controller, Get, HttpCode, Module, Param, Post, Query, Req, Res } from '@nestjs/common';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import {
  Caller,
  type CallerIdentity,
  compileBody,
  type HttpReply,
  type HttpRequest,
  ListQuery,
  Operation,
  prepareProblem,
  sendProblem,
} from '@gravity/http';

class NoteBody {
  @IsString()
  @MaxLength(10)
  text: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(9)
  weight?: number;
}

class NoteQuery extends ListQuery {
  @IsOptional()
  @IsString()
  about?: string;
}

const hotBody = compileBody<{ itemId: string }>({
  type: 'object',
  additionalProperties: false,
  required: ['itemId'],
  properties: { itemId: { type: 'string', maxLength: 10 } },
});
const soldOut = prepareProblem({
  code: 'sold-out',
  detail: 'Every unit is taken.',
  retryAfterSeconds: 2,
  extensions: { itemId: 'itm_1' },
});

@Controller('things/v1')
class ThingsHttp {
  @Get('mine')
  @Operation({ id: 'getMine', summary: 'Who am I', callers: ['buyer', 'merchant'] })
  mine(@Caller() caller: CallerIdentity): object {
    return { sub: caller.sub, roles: [...caller.roles], merchantId: caller.merchantId };
  }

  @Post('notes')
  @Operation({ id: 'addNote', summary: 'Adds a note', callers: ['operator'], status: 201 })
  add(@Body() body: NoteBody): object {
    return { text: body.text };
  }

  @Get('notes')
  @Operation({ id: 'listNotes', summary: 'Lists notes', publicBecause: 'a test' })
  list(@Query() query: NoteQuery): object {
    return { limit: query.limit };
  }

  @Get('notes/:id')
  @Operation({ id: 'getNote', summary: 'One note', publicBecause: 'a test' })
  one(@Param('id') id: string): object {
    return { id };
  }

  @Post('hot')
  @Operation({ id: 'hot', summary: 'Hot route', callers: ['buyer'], problems: ['sold-out'] })
  hot(@Body() body: unknown, @Res() reply: HttpReply): void {
    const checked = hotBody(body);
    sendProblem(reply, checked.ok ? soldOut : checked.error);
  }

  @Post('bare')
  @HttpCode(200)
  @Operation({ id: 'bare', summary: 'Nothing', publicBecause: 'a test' })
  bare(@Req() req: HttpRequest): object {
    return { bytes: req.rawBody?.length ?? 0, body: req.body ?? null };
  }

  @Get('crash')
  @Operation({ id: 'crash', summary: 'Breaks', publicBecause: 'a test' })
  crash(): void {
    throw new Error('postgres://gravity:hunter2@db/orders refused');
  }

  @Get('slow')
  @Operation({ id: 'slow', summary: 'Takes its time', publicBecause: 'a test' })
  async slow(): Promise<object> {
    await new Promise((resolve) => setTimeout(resolve, 150));
    return { done: true };
  }

  @Get('limited')
  @Operation({
    id: 'limited',
    summary: 'Limited',
    publicBecause: 'a test',
    rateLimit: { perSecond: 1, burst: 3, scope: 'address', onRedisDown: 'open' },
  })
  limited(): object {
    return {};
  }
}

@Module({ controllers: [ThingsHttp] })
export class ThingsModule {}
